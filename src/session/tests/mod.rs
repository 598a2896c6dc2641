//! Conversations in memory: scripted voice, mock engines, stepped time.

mod ahead;
mod any;
mod barge_in;
mod context;
mod devices;
mod drift;
mod end_model;
mod failures;
mod fallback;
mod guards;
mod hooks;
mod latency;
mod own;
mod pace;
mod quiet;
mod services;
mod succession;
mod told;
mod tools;
mod turns;
mod wake;
mod wishes;
pub(in crate::session) mod world;
