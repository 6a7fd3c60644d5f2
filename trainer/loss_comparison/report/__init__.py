"""The page's pictures, on the paper and in the colours of all others."""
