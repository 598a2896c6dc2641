//! Conversations in memory: scripted voice, mock engines, stepped time.

mod any;
mod barge_in;
mod context;
mod devices;
mod failures;
mod guards;
mod hooks;
mod latency;
mod pace;
mod services;
mod tools;
mod turns;
mod wishes;
pub(in crate::session) mod world;
