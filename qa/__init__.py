"""article-qa: verbatim, cited answers from a folder of articles, or an honest silence."""

__version__ = "0.1.0"
