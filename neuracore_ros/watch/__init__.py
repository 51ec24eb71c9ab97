"""Running nodes as a person sees them: found, heard, shown, and told what to do."""
