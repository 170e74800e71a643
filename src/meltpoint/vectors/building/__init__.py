"""What a first open makes of a source: a store on disk, or the rows of some words in memory."""
