import DeploymentControl
import ServiceKit

await ServiceMain.run(DeploymentControlService.definition)
