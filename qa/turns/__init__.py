"""One turn of a conversation: its words, what it leaves out, and what of an earlier turn it takes the place of."""
