//! The program as a server.

pub mod mock;
pub mod pcm;
