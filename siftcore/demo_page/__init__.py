"""The page of ``siftcore demo``; only `page`, `running` and `server` need Gradio."""
