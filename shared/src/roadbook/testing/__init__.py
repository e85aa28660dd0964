"""What tests of services and of the kit share: the spec grammar, memory implementations, contract suites."""
