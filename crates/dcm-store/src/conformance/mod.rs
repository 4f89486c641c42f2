//! The suite that every backend must pass, generic over the backend.
