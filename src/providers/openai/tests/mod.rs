mod codec;
mod exchange;
