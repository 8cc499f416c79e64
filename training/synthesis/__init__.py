"""Examples out of the documents themselves, where people have asked too little."""
