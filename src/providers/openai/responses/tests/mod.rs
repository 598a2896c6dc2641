mod codec;
mod exchange;
mod request;
