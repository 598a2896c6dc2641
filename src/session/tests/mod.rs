//! Conversations in memory: scripted voice, mock engines, stepped time.

mod any;
mod barge_in;
mod devices;
mod failures;
mod latency;
mod turns;
mod wishes;
mod world;
