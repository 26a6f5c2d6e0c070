//! Benchmarks of what runs per record; each is a program of its own in this folder.
