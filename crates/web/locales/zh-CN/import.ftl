### 接收病历。

import-title = 接收病历
import-new = 从文件接收
import-file = 选择文件，或拖放到此处
import-file-hint = FHIR 资源包或国际患者摘要（JSON）、PDF、PNG、JPEG，单个文件不超过 64 MB。
import-promise = 在您确认归属之前，任何内容都不会写入病历。
import-read = 读取文件
import-waiting = 等待确认
import-none = 没有等待确认的文件
import-none-more = 已读取但尚未归档的文件会列在这里。
import-col-file = 文件
import-col-read = 读取时间
import-col-size = 大小
import-choose-file = 请先选择文件。
import-staged = 文件已读取，请逐一确认归属。
import-dropped = 文件已放弃，未写入任何病历。
import-done = 已归入此病历。
import-whose = 这是谁的病历？
import-state-done = 已于 { $at } 归档：写入 { $written } 条，{ $known } 条原已存在。
import-state-dropped = 此文件已放弃，未写入任何病历。
import-open-record = 打开病历
import-person = 文件中的患者
import-name-native = 姓名
import-name-latin = 拉丁字母
import-sex = 性别
import-question = 归入
import-question-hint = 请核对姓名、出生日期和两个带签发机构的号码。系统从不自动合并病历。
import-question-none = 本院没有与此人相近的患者。
import-choice-new = 新建患者
import-choice-new-note = 按文件中的信息在本院建立病历。
import-choice-drop = 不归入任何人，放弃文件
import-choice-drop-note = 文件不再保留，决定记入审计。
import-decide = 归档
import-decide-first = 请指明归入谁的病历，或放弃文件。
import-content = 文件内容
import-file-whole = 文件将作为一份文书完整保存在病历中。
import-search = 其他患者
import-search-go = 查找
import-search-found = { $n ->
    [0] 没有找到
   *[other] 找到 { $n } 人，列于下方
}
import-question-file = 文件本身没有说明属于谁，请查找患者后选择。
import-left-out = 不予接收
import-left-out-why = 这些内容涉及授权、签名或医嘱，或不属于临床病历。
import-unresolved = 有 { $n } 处引用在文件中找不到目标。
import-problems = 有 { $n } 条无法接收

grade-certain = 确定
grade-probable = 很可能
grade-possible = 可能
grade-no = 不符

import-reason-same-identifier = 号码相同：{ $issuer }
import-reason-other-identifier = 号码不同：{ $issuer }
import-reason-same-name = 姓名相同
import-reason-similar-name = 姓名相近
import-reason-other-name = 姓名不同
import-reason-same-birth-date = 出生日期相同
import-reason-close-birth-date = 出生日期相近
import-reason-other-birth-date = 出生日期不同
import-reason-same-sex = 性别相同
import-reason-other-sex = 性别不同
