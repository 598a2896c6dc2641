mod codec;
mod content;
mod exchange;
