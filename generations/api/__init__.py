"""Generations, pictures and models, over HTTP: Seedbank's own API and the OpenAI-compatible one."""
