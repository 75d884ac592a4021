### 出了什么问题，以及该怎么办。

error-code = 答复 { $n }
error-home = 返回首页
error-again = 重试
error-form-token = 此表单是在另一会话中打开的。请重新载入页面后再次提交；离开页面之前，您写的内容不会丢失。
error-not-kept = 您提交的内容未得到确认，请不要视为已保存。请在浏览器中返回已填写的表单，先查看是否已经保存，如未保存请重新提交。
error-retry-after = 请在 { $n } 秒后重试。

error-title-malformed = 无法理解此请求
error-text-malformed = 地址或表单有误。未作任何更改。
error-title-invalid = 目前无法这样做
error-text-invalid = 未作任何更改。请返回，更正此处所列内容后重新提交。
error-title-unauthenticated = 请先登录
error-text-unauthenticated = 会话已结束，或您尚未登录。登录后将回到此处。
error-title-denied = 您无权查看
error-text-denied = 没有协议、知情同意或角色许可此操作。本次尝试已记录。
error-title-not-found = 此处没有内容
error-text-not-found = 地址不存在，或指向您无权知晓的内容。
error-title-gone = 已删除
error-text-gone = 原有内容已删除，其历史由所属医院保存。
error-title-conflict = 已被他人更改
error-text-conflict = 您查看期间内容已更改。您的提交没有覆盖它。请重新载入后查看。
error-title-not-allowed = 此处不提供此操作
error-text-not-allowed = 地址存在，但不接受此类请求。
error-title-too-much = 内容过大
error-text-too-much = 超出限制：单个文件不超过 64 MB，单个表单不超过 8 MB。未作任何更改。
error-title-rate-limited = 尝试次数过多
error-text-rate-limited = 请稍候再试。
error-title-media-type = 不支持此类文件
error-text-media-type = 请上传 PDF、图像，或 JSON 格式的 FHIR。
error-title-unavailable = 暂时不可用
error-text-unavailable = 系统的一部分没有应答。此前保存的内容是安全的。请稍后重试。
error-title-internal = 系统故障
error-text-internal = 未作任何更改。故障已记录，供运维人员处理。

denied-other = 没有有效的许可。
denied-staff-only = 仅医院工作人员可以这样做。
denied-clinical-role-missing = 仅诊治患者或为其提供意见的人员可以这样做。
denied-role-missing = 需要在您所代表的医院具有“{ $role }”角色。
denied-case-agreement-suspended = 此病例所依据的协议已暂停。协议恢复之前，您不能查看此病例；转诊医生已获通知。
denied-case-agreement-ended = 此病例所依据的协议已终止，您不能再查看此病例；转诊医生已获通知。
denied-case-consent-withdrawn = 患者已撤回同意，您不能再查看此病例；您已签署的内容仍然有效。
denied-case-consent-expired = 患者的同意已到期。重新同意之前，您不能查看此病例。
denied-patient-only = 仅限患者账号。
error-key-token = 本院的签名密钥存于密码令牌中，令牌目前不可用。尚未签署，您填写的内容已保留。请告知运行者并稍后再试。
