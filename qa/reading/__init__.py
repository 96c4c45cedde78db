"""What `qa.articles` reads files with: formats, page furniture, the imprint, dates."""
