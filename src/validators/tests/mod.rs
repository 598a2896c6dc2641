//! What validators and guardrails do, as tables.

mod any;
mod guardrails;
mod judge;
mod kinds;
mod tools;
