import Testing

/// All tests of builds, one after the other: each runs processes of its own.
@Suite(.serialized) struct BuildsTests {}
