import ServiceKit
import ValidationDecision

await ServiceMain.run(ValidationDecisionService.definition)
