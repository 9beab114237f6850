//! node_exporter.
