"""The wire formats of the upstreams: a file each, pure parsers and thin fetches."""
