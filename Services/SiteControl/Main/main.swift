import ServiceKit
import SiteControl

await ServiceMain.run(SiteControlService.definition)
