print("validation-decision")
