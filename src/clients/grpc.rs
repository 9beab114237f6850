//! A tonic channel over our own connector, so that a failing layer has a name.
