mod codec;
mod embeddings;
mod exchange;
