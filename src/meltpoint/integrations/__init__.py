"""meltpoint in other frameworks: scikit-learn, Lightning, skorch, Hugging Face. Each module needs its framework."""
