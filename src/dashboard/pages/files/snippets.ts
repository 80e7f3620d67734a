export type SnippetNeeds = { endpoint: string; id: string; secret: string; namespace: string }

/** What programs want to be told to use a key, as docs/STORAGE.md has it. */
export const snippets: { name: string; text: (needs: SnippetNeeds) => string }[] = [
  {
    name: "rclone",
    text: ({ endpoint, id, secret, namespace }) => `# ~/.config/rclone/rclone.conf, then: rclone sync ~/photos freehold:${namespace}
[freehold]
type = s3
provider = Other
access_key_id = ${id}
secret_access_key = ${secret}
endpoint = ${endpoint}
force_path_style = true
no_check_bucket = true
`,
  },
  {
    name: "restic",
    text: ({ endpoint, id, secret, namespace }) => `export AWS_ACCESS_KEY_ID=${id}
export AWS_SECRET_ACCESS_KEY=${secret}
restic -r s3:${endpoint}/${namespace} init
restic -r s3:${endpoint}/${namespace} backup ~/documents
`,
  },
  {
    name: "AWS SDK for JavaScript",
    text: ({ endpoint, id, secret, namespace }) => `import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3"

const s3 = new S3Client({
  endpoint: "${endpoint}",
  region: "us-east-1",
  forcePathStyle: true,
  credentials: {
    accessKeyId: "${id}",
    secretAccessKey: "${secret}",
  },
})
await s3.send(new PutObjectCommand({ Bucket: "${namespace}", Key: "hello.txt", Body: "Hello" }))
`,
  },
  {
    name: "s3cmd",
    text: ({ endpoint, id, secret, namespace }) => {
      const { host } = new URL(endpoint)
      return `s3cmd --host=${host} --host-bucket=${host} \\
  --access_key=${id} --secret_key=${secret} \\
  sync photos/ s3://${namespace}/
`
    },
  },
]
