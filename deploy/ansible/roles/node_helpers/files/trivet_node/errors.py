"""How a step fails: with one sentence for the operator, never with a traceback."""


class StepFailed(Exception):
    """The step could not be done. The text says what is wrong and, where known, what to do."""


class Outdated(StepFailed):
    """A later run has taken over the site; this one must not change anything any more."""
