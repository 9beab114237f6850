//! Symptoms fold under their cause.
