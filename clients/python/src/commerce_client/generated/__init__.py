"""What is made of the documents of the APIs, a module each."""
