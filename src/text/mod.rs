//! Text as it is spoken and heard.

pub mod numbers;
