"""The page of ``siftcore demo``; only `page` and `server` need Gradio."""
