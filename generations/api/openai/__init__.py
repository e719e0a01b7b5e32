"""The image part of OpenAI's API, for programs that know no other.

Source: OpenAI API reference, images and models.
"""
