"""What is made of the sentences that answer: runs, the phrase that answers, sources that agree and that differ."""
