"""What is written around a capture: questions and their keys, handouts, answer forms, grades and feedback."""
