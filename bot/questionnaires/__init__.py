"""What is asked, in which words and languages. The words themselves are the YAML files beside."""
