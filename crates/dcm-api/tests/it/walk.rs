//! Every operation of the `OpenAPI` document, at least once.
