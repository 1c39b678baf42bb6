//! The PHP surface.
