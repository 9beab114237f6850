//! The seam through which a change leaves: for the runner of actions alone.
