//! Text: what recognisers and models write, as values.

pub mod wer;
