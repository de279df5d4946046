import Testing

/// What the service promises when everything around it fails. One after another: each test takes the machine for itself.
@Suite(.serialized) struct PromiseTests {}
