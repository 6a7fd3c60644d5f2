"""What a bundle is worth on a history whose episodes are known: figures with intervals, and a page to look at."""
