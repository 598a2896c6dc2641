//! The program as a server.
