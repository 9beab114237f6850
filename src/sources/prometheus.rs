//! prometheus.
