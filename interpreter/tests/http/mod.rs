//! HTTP: requests, responses, validation.
