"""Stories: sentences about the product, proved in order, since each starts from what the one before left behind."""

import sys
import time
import traceback

STORIES = []


class Story:
    def __init__(self, sentence, function, needs):
        self.sentence, self.function, self.needs = sentence, function, needs
        self.name = function.__name__


def story(sentence, needs=()):
    """Registers a function as the proof of a sentence. Where a story that it needs (by function name) has failed, it is not
    run and counts as failed: what it says was not shown."""

    def register(function):
        STORIES.append(Story(sentence, function, needs))
        return function

    return register


class Refuted(AssertionError):
    """What was seen instead of what was expected."""


def expect(condition, *seen):
    if not condition:
        raise Refuted(" ".join(str(part) for part in seen) or "not so")


def equal(got, wanted, what=""):
    if got != wanted:
        raise Refuted(f"{what}{': ' if what else ''}got {got!r}, expected {wanted!r}")


def eventually(check, seconds, what, pause=0.1):
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise Refuted(f"{what}: not so within {seconds} s; last answer {answer!r}")
        time.sleep(pause)


def run(world, wanted=()):
    """Runs the stories (those whose names contain one of `wanted`, with what they need) and says how many hold."""
    chosen = select(wanted)
    done, failed, started = {}, [], time.monotonic()
    for number, current in enumerate(chosen, 1):
        head = f"[{number}/{len(chosen)}] {current.sentence}"
        missing = [name for name in current.needs if not done.get(name)]
        if missing:
            print(f"NOT SHOWN  {head} (needs {', '.join(missing)})", flush=True)
            failed.append(current)
            continue
        begun = time.monotonic()
        world.begin(current)
        try:
            current.function(world)
            done[current.name] = True
            print(f"ok {time.monotonic() - begun:7.1f} s  {head}", flush=True)
        except Exception as error:  # Everything that a story raises refutes it.
            failed.append(current)
            print(f"FAILED {time.monotonic() - begun:5.1f} s  {head}", flush=True)
            for line in describe(error) + world.evidence():
                print(f"        {line}", flush=True)
            world.recover()
    seconds = time.monotonic() - started
    print(f"{len(chosen) - len(failed)} of {len(chosen)} stories hold, {seconds:.0f} s", flush=True)
    return not failed


def describe(error):
    where = [frame for frame in traceback.extract_tb(error.__traceback__) if "/e2e/" in frame.filename][-3:]
    lines = [f"{frame.filename.rsplit('/', 1)[1]}:{frame.lineno}  {frame.line}" for frame in where]
    return lines + f"{type(error).__name__}: {error}".splitlines()


def select(wanted):
    if not wanted:
        return STORIES
    names = {each.name for each in STORIES if any(word in each.name for word in wanted)}
    if not names:
        sys.exit(f"no story is called like {' or '.join(wanted)}")
    by_name = {each.name: each for each in STORIES}
    pending = list(names)
    while pending:
        for need in by_name[pending.pop()].needs:
            if need not in names:
                names.add(need)
                pending.append(need)
    return [each for each in STORIES if each.name in names]
