"""Who is who: asset symbols, markets, headlines that are the same."""
