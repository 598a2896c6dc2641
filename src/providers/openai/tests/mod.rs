mod codec;
mod content;
mod embeddings;
mod exchange;
