//! exposition.
